import requests
prepared = requests.Request('GET', 'http://a.example/b', params={'c': 'd'}).prepare()
assert prepared.url == 'http://a.example/b?c=d'
requests.Session().get_adapter('https://a.example')
