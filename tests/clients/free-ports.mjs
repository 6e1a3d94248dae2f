// Prints as many free loopback ports as asked for.
import { freePorts } from '../proxies/processes.mjs';

console.log((await freePorts(Number(process.argv[2]))).join(' '));
