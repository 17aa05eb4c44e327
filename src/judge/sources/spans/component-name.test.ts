import { expect, test } from 'vitest';
import { componentOf } from './component-name.ts';

const [internal, server, client, producer] = [1, 2, 3, 4];

test.for([
  ['postgresql select', client, 'SELECT shop.items', { 'db.system.name': 'postgresql', 'db.operation.name': 'SELECT' }],
  ['redis get', client, 'GET', { 'db.system': 'redis', 'db.operation': 'GET' }],
  ['mysql update', client, 'shop', { 'db.system': 'mysql', 'db.statement': " UPDATE items SET price = 'secret'" }],
  ['mysql', client, 'shop', { 'db.system': 'mysql', 'db.statement': 'secret things' }],
  ['rpc cart.Cart/Add', client, 'x', { 'rpc.system': 'grpc', 'rpc.service': 'cart.Cart', 'rpc.method': 'Add' }],
  ['http payments.example', client, 'GET', { 'http.request.method': 'GET', 'server.address': 'payments.example' }],
  ['http *', client, 'GET', { 'http.method': 'GET', 'net.peer.name': '10.0.3.17:8080' }],
  ['messaging kafka publish', producer, 'x', { 'messaging.system': 'kafka', 'messaging.operation.type': 'publish' }],
  ['server GET /items', server, 'GET /items', { 'http.request.method': 'GET' }],
  ['internal render page', internal, 'render page', {}],
  ['internal self', internal, 'self', {}],
  ['internal user *', internal, 'user 4711', {}],
  ['internal load *', internal, 'load 3f2b8c1e-1b7a-4c3d-9e8f-001122334455', {}],
  ['internal load *', internal, 'load deadbeef01', {}],
  ['internal a b', internal, 'a\u0000\n`b`', {}],
  ['internal', internal, '', {}],
] as const)('%s', ([expected, kind, name, attributes]) => {
  expect(componentOf({ kind, name, attributes: attributes as Record<string, string> })).toBe(expected);
});

test('what is long is cut, whatever it is made of', () => {
  const name = componentOf({ kind: internal, name: '😀é'.repeat(500), attributes: {} });
  expect([...name].length).toBeLessThanOrEqual(60);
});
