/** The forms of a flag's parts, which are loaded when the first is opened. */

import type { ComponentType, JSX } from 'preact';
import { CohortsForm } from './cohorts.tsx';
import { ConditionsForm } from './conditions.tsx';
import type { FormProps } from './form.tsx';
import { RulesForm } from './rules.tsx';
import { ScheduleForm } from './schedule.tsx';
import { ThresholdForm } from './threshold.tsx';
import { VariantsForm } from './variants.tsx';

export type PartName = 'rules' | 'conditions' | 'cohorts' | 'variants' | 'threshold' | 'schedule';

const FORMS: Readonly<Record<PartName, ComponentType<FormProps>>> = {
  rules: RulesForm,
  conditions: ConditionsForm,
  cohorts: CohortsForm,
  variants: VariantsForm,
  threshold: ThresholdForm,
  schedule: ScheduleForm,
};

export function Forms({ part, ...props }: FormProps & { part: PartName }): JSX.Element {
  const Form = FORMS[part];
  return <Form {...props} />;
}
