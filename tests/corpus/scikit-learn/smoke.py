from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
import scipy.stats, scipy.optimize, scipy.sparse.linalg, scipy.signal, scipy.interpolate, scipy.spatial
x, y = load_iris(return_X_y=True)
assert RandomForestClassifier(random_state=0).fit(x, y).score(x, y) > 0.9
