import jwt
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import rsa
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
assert jwt.decode(jwt.encode({'a': 1}, key, 'RS256'), key.public_key(), ['RS256']) == {'a': 1}
fernet = Fernet(Fernet.generate_key())
assert fernet.decrypt(fernet.encrypt(b'x')) == b'x'
