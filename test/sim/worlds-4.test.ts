import { describeWorlds } from './worlds.ts'

describeWorlds(751, 250)
