/** So many numbers of a room that is used again from call to call; what they were before is left in them. */
export function borrow(room: { cells: Float64Array }, length: number): Float64Array {
  if (room.cells.length < length) room.cells = new Float64Array(length);
  return room.cells.subarray(0, length);
}
