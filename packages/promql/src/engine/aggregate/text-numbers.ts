/** A map that grows is made anew at once: of a million entries that would take 0.1 s, of a part of them it does not. */
const PARTS = 256;

/** Numbers texts in the order in which they first come. */
export interface TextNumbers {
  numberOf(text: string): number;
  /** By number. */
  inOrder(): readonly string[];
}

export function createTextNumbers(): TextNumbers {
  const texts: string[] = [];
  const parts: (Map<string, number> | undefined)[] = new Array(PARTS);
  return {
    numberOf(text) {
      const part = partOf(text);
      const numbers = (parts[part] ??= new Map());
      let number = numbers.get(text);
      if (number === undefined) {
        number = texts.push(text) - 1;
        numbers.set(text, number);
      }
      return number;
    },
    inOrder: () => texts,
  };
}

/** By its last characters: texts of numbers have the same first ones. */
function partOf(text: string): number {
  let part = text.length;
  for (let i = Math.max(0, text.length - 4); i < text.length; i++) part = part * 11 + text.charCodeAt(i);
  return part % PARTS;
}
