import { driverConformance } from '../conformance.ts';
import { openSimulated } from './open-cluster.conformance.ts';

driverConformance('simulated', openSimulated);
