import type { TaskController } from '../../model/index.ts';

/** The default: the budget is the only limit. */
export const budgetOnly: TaskController = ({ request }) => ({ ack: request.map(({ opId }) => opId) });
