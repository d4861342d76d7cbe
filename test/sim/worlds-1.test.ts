import { describeWorlds } from './worlds.ts'

describeWorlds(1, 250)
