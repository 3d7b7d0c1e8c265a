"""Search: whole models with settings that Optuna proposes, tested and chosen as a race's are."""
