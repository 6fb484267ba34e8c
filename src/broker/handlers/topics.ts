/** The operations on topics. */
import type { Topics } from '../../topics/index.ts'
import type { Handlers } from './handler.ts'

type TopicOperation =
  | 'topics.create'
  | 'topics.list'
  | 'topics.describe'
  | 'topics.configure'
  | 'topics.delete'

export const topicHandlers = (topics: Topics): Handlers<TopicOperation> => ({
  'topics.create': async (input) => (await topics.create(input)).view(),
  'topics.list': async () => topics.names(),
  'topics.describe': async ({ name }) => topics.get(name).view(),
  'topics.configure': async ({ name, config }) => (await topics.configure(name, config)).view(),
  'topics.delete': async ({ name }) => {
    await topics.delete(name)
    return undefined
  },
})
