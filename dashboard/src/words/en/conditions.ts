/** Conditions as sentences. */

export const conditions = {
  and: 'and',
  or: 'or',
  not: 'not',
  memberOf: 'is a member of',
  is: (on: boolean) => (on ? 'is on' : 'is off'),
  serves: (variant: string) => `serves ${variant}`,
};

export const operators = {
  '==': 'is',
  '!=': 'is not',
  '>': '>',
  '>=': '≥',
  '<': '<',
  '<=': '≤',
  in: 'is one of',
  not_in: 'is none of',
  contains: 'contains',
  not_contains: 'does not contain',
  starts_with: 'starts with',
  ends_with: 'ends with',
  matches: 'matches the pattern',
  before: 'is before',
  after: 'is after',
  semver_eq: 'is version',
  semver_gt: 'is a later version than',
  semver_gte: 'is at least version',
  semver_lt: 'is an earlier version than',
  semver_lte: 'is at most version',
  exists: 'is set',
  not_exists: 'is not set',
} as Record<string, string>;
