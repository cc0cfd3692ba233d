import numpy, pandas
import numpy.testing, numpy.ma, numpy.fft, numpy.random, numpy.typing
frame = pandas.DataFrame({'a': numpy.arange(6), 'b': list('xxyyzz')})
assert frame.groupby('b').a.sum().tolist() == [1, 5, 9]
assert numpy.allclose(numpy.linalg.inv(numpy.eye(3)), numpy.eye(3))
assert pandas.read_csv(__import__('io').StringIO(frame.to_csv(index=False))).equals(frame)
