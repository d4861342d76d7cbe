import { describeWorlds } from './worlds.ts'

describeWorlds(1501, 500)
