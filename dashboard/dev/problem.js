/** An answer that is an error: problem details. */
export class Problem extends Error {
  constructor(status, code, title, detail, help, more = {}) {
    super(detail);
    this.status = status;
    this.body = {
      type: `urn:flcm:problem:${code.toLowerCase().replaceAll('_', '-')}`,
      title,
      status,
      detail,
      code,
      help,
      ...more,
    };
  }
}
