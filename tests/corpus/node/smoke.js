const assert = require('assert'), express = require('express'), { z } = require('zod');
const { S3Client, ListBucketsCommand } = require('@aws-sdk/client-s3');
const { DynamoDBClient, PutItemCommand } = require('@aws-sdk/client-dynamodb');
assert.equal(PutItemCommand.name, 'PutItemCommand');
new S3Client({ region: 'eu-west-1' }); new DynamoDBClient({ region: 'eu-west-1' });
assert.deepEqual(z.object({ a: z.number() }).parse({ a: 1 }), { a: 1 });
const app = express(); app.get('/', (_, answer) => answer.send('x'));
require('sharp')({ create: { width: 8, height: 8, channels: 3, background: 'red' } }).png().toBuffer()
  .then((image) => assert(image.length > 60));
