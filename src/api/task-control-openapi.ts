import { z } from 'zod';
import {
  advanceNoticeSchema,
  completedOperationSchema,
  taskControlRequestSchema,
  taskControlResponseSchema,
  taskOperationSchema,
} from '../model/index.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of what a TaskController implements: the other side of Rollway's calls. */
export function taskControlDocument(version: string): Json {
  const named = {
    TaskOperation: taskOperationSchema,
    CompletedOperation: completedOperationSchema,
    AdvanceNotice: advanceNoticeSchema,
    TaskControlRequest: taskControlRequestSchema,
    TaskControlResponse: taskControlResponseSchema,
  };
  const schemas = Object.fromEntries(Object.entries(named).map(([name, schema]) => [name, schemaOf(schema)]));
  return {
    openapi: '3.1.0',
    info: {
      title: 'TaskControl',
      version,
      description: 'What a service implements to say which of its tasks may be touched now. See docs/taskcontrol.md.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths: {
      '/': {
        post: {
          operationId: 'process',
          summary: 'Which of the waiting operations may begin now',
          requestBody: { required: true, content: content('TaskControlRequest') },
          responses: {
            '200': {
              description: 'Those that may; the others are asked for again',
              content: content('TaskControlResponse'),
            },
            default: { description: 'Counts as no answer: releases wait' },
          },
        },
      },
    },
    components: { schemas },
  };
}

function content(schema: string): Json {
  return { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } };
}

/** Fields that are not known are ignored by both sides. */
function schemaOf(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' }) as Json;
  return rest;
}
