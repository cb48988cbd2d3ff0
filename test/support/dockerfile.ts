import { readFileSync } from 'node:fs';

export interface DockerInstruction {
  /** `RUN`, `COPY`, … */
  readonly name: string;
  readonly text: string;
}

/** The instructions of a Dockerfile by stage: of each, those from one FROM to the next. */
export function readDockerfile(file: string): DockerInstruction[][] {
  const stages: DockerInstruction[][] = [];
  const lines = readFileSync(file, 'utf8')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  for (const line of lines) {
    const [, name, text] = /^(\S+)\s+(.*)$/.exec(line)!;
    if (name === 'FROM') stages.push([]);
    stages.at(-1)?.push({ name: name!, text: text! });
  }
  return stages;
}

/** The texts of one kind of instruction. */
export function instructionsOf(stage: readonly DockerInstruction[], name: string): string[] {
  return stage.filter((instruction) => instruction.name === name).map(({ text }) => text);
}
