"""What side_by_side.py and rebuild.py measure: one module for each ecosystem, and the measuring itself."""
