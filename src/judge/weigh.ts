import type { BinTable } from './bin-table.ts';
import { tableFor } from './masks.ts';
import type { CheckData } from './measured-check.ts';
import { weighCounts } from './weigh/counts.ts';
import type { Evidence, EvidenceOptions } from './weigh/evidence.ts';
import { weighLimit } from './weigh/limit.ts';
import { weighValues } from './weigh/values.ts';

/** What one check's numbers say of the new tasks; undefined: there is too little to compare. */
export function weigh(table: BinTable, data: CheckData, options: EvidenceOptions): Evidence | undefined {
  const seen = tableFor(table, data.check);
  if (data.check.against === 'limit') return weighLimit(seen, data);
  return data.measure.kind === 'counts' ? weighCounts(seen, data, options) : weighValues(seen, data, options);
}
