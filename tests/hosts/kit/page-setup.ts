import { beforeEach } from 'vitest';
import { leftOut } from './page-left-out.ts';

beforeEach(({ task, skip }) => {
  const reason = leftOut(task.file.filepath, task.fullTestName);
  if (reason !== undefined) skip(`a page: ${reason}`);
});
