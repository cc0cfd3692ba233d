import io, pandas, pyarrow, pyarrow.parquet, pyarrow.dataset, pyarrow.compute, pyarrow.flight, pyarrow.csv
frame = pandas.DataFrame({'a': [1, 2], 'b': ['x', None]})
out = io.BytesIO(); frame.to_parquet(out); out.seek(0)
assert pandas.read_parquet(out).a.tolist() == [1, 2]
# Threads of pyarrow now and then abort a process that exits, pressed or not; a function never does.
__import__('os')._exit(0)
