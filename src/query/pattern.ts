// Regular expressions out of names.

/** The source of a pattern that matches nothing but `text`. */
export const exactly = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
