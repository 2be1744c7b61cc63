"""`python -m imgsvc`, which is how the service starts its own processes."""

from imgsvc.cli import main

main()
