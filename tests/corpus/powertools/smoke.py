from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.validation import validate
app = APIGatewayHttpResolver()
@app.get('/a')
def a():
    return {'b': 1}
event = {'version': '2.0', 'rawPath': '/a', 'headers': {}, 'requestContext': {'stage': '$default',
         'http': {'method': 'GET', 'path': '/a'}}}
assert app.resolve(event, None)['statusCode'] == 200
validate(event={'a': 1}, schema={'type': 'object', 'required': ['a']})
Logger(service='x').info('y')
