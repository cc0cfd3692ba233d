import boto3
session = boto3.Session(aws_access_key_id='a', aws_secret_access_key='b', region_name='us-east-1')
services = session.get_available_services()
for service in services:
    session.client(service)
for resource in session.get_available_resources():
    session.resource(resource)
assert len(services) > 400, len(services)
