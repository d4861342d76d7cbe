import { describeWorlds } from './worlds.ts'

describeWorlds(501, 250)
