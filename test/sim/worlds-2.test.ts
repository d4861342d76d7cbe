import { describeWorlds } from './worlds.ts'

describeWorlds(251, 250)
