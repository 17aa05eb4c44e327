/**
 * The driver of the built-in cluster manager: operations become orders on the streams that agents hold open, and are
 * executed when the agent says that it has written them down. What becomes of them comes back through reports.
 */
export * from './driver.ts';
export * from './orders.ts';
