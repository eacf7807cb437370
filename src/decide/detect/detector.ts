/** A piece of a text and what it is. Offsets count UTF-16 code units; `end` is the first one after it. */
export type Span = { readonly kind: string; readonly start: number; readonly end: number }

/** What is known of a text beside itself. */
export type FindContext = {
  /** The name of the member that holds the text, or the list that it stands in; null at the top and for a name. */
  readonly memberName: string | null
  /** Words that a rule or a list gives to a detector that goes by such: names of people. */
  readonly names: readonly string[]
}

/**
 * Finds one kind of personal data or secret in a text.
 *
 * `find` is pure and takes time that grows no faster than the text. Its spans have the detector's kind, lie within the
 * text, do not overlap, and come in order of their start.
 */
export type Detector = {
  /** As rules name it. */
  readonly kind: string
  find(text: string, context: FindContext): readonly Span[]
}
