import { describeWorlds } from './worlds.ts'

describeWorlds(1001, 500)
