import { measureLargeService } from './large-service.ts';
console.log(await measureLargeService(Number(process.argv[2] ?? 1000)));
