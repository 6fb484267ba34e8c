/** Consumer groups: who reads what, and how far they have come. */
export { ASSIGNMENTS, type AssignmentName } from './assignors.ts'
