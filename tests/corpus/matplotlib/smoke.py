import io, matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plot
plot.plot([1, 2, 3]); plot.title('$x^2$')
for kind in ['png', 'svg', 'pdf']:
    out = io.BytesIO(); plot.savefig(out, format=kind); assert len(out.getvalue()) > 1000
import mpl_toolkits.mplot3d
