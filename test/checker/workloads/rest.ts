/** Brings a group to rest: works on until nothing of its topic is left, or nothing moves any more. */
import { pause, toldBy } from '../clients/http.ts'
import { type GroupPlan, lagOf } from '../clients/members.ts'
import { REST_MS_MAX, type WorkContext } from './workload.ts'

const LOOK_MS = 50

/** `step` does some work and says whether there was any. Notes in the history what was left. */
export async function bringToRest(
  context: WorkContext,
  plan: GroupPlan,
  step: () => Promise<boolean>,
): Promise<void> {
  let movedMs = performance.now()
  for (;;) {
    if (await step()) movedMs = performance.now()
    const { lag, reply } = await lagOf(context, plan)
    if (lag === 0 || performance.now() - movedMs > REST_MS_MAX) {
      const { group, topic } = plan
      context.history.record({ op: 'rest', client: 'end', group, topic, lag, ...toldBy(reply) })
      return
    }
    await pause(LOOK_MS)
  }
}
