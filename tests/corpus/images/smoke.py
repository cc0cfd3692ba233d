import cv2, io, numpy
from PIL import Image, ImageDraw, ImageFont
out = io.BytesIO(); Image.new('RGB', (8, 8), 'red').save(out, 'WEBP')
assert cv2.imdecode(numpy.frombuffer(out.getvalue(), 'u1'), cv2.IMREAD_COLOR).shape == (8, 8, 3)
