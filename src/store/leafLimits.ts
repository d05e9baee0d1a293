// How much JSON a payload may be for its leaves to count. More has no fields either (cleaning takes less), and is kept, but a
// message of 16 MiB that is eight million leaves, or as many levels, would hold up for minutes whoever looks at each.

/** Scalar leaves. */
export const payloadLeavesMax = 65_536

/** Objects and lists within one another. */
export const payloadLevelsMax = 1024
