import psycopg, sqlalchemy
from sqlalchemy import create_engine, text
assert psycopg.pq.__impl__ == 'binary'
with create_engine('sqlite://').connect() as connection:
    assert connection.execute(text('select 6 * 7')).scalar() == 42
