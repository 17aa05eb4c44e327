import { changeTasks } from './tasks.ts';

export const { run } = changeTasks('retire');
