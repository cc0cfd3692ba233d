"""What side_by_side.py measures: one module for each ecosystem, and the measuring itself."""
