"""The servers that imgsvc is measured against, each started as a program of its own."""
