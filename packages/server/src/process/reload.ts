import type { Logger } from '../logger.ts';

/** Reloads, and tells the log what came of it, whoever asked for it. @throws what `reload` throws */
export async function reloadAndLog(reload: () => Promise<void>, logger: Logger): Promise<void> {
  try {
    await reload();
  } catch (error) {
    logger.error({ err: error }, 'reload failed: the configuration in use stays');
    throw error;
  }
  logger.info({}, 'configuration reloaded');
}
