from fastapi import FastAPI
from mangum import Mangum
app = FastAPI()
@app.get('/items/{number}')
def item(number: int):
    '''Tells a number.'''
    return {'number': number}
assert app.openapi()['paths']['/items/{number}']['get']['description'] == 'Tells a number.'
event = {'version': '2.0', 'rawPath': '/items/7', 'rawQueryString': '', 'headers': {},
         'requestContext': {'http': {'method': 'GET', 'path': '/items/7', 'sourceIp': '127.0.0.1',
                                     'protocol': 'HTTP/1.1'}}, 'isBase64Encoded': False}
assert Mangum(app, lifespan='off')(event, {})['body'] == '{"number":7}'
