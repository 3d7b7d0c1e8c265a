"""Results for continuous integration: Markdown for a job summary, and JUnit XML."""
