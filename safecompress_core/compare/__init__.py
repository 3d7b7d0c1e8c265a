"""Many runs held against each other: variants, densities and seeds of one base spec."""
