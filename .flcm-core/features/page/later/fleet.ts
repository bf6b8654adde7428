import type { FleetState } from '../../types.ts';
import type { InUse } from '../in-use.ts';
import type { Life } from '../life.ts';

/** The trips whose bits need no number. */
const TRIPS = ['clear', 'probing', 'off'];

/** What takes the state of the fleet, whole. */
export function fleetOf({ emit }: Life, inUse: InUse): (fleet: FleetState) => void {
  const setTrip = (key: string): void => {
    const { trip = 'clear' } = inUse.fleet[key] ?? {};
    const at = TRIPS.indexOf(trip);
    inUse.snapshot?.setTrip(key, at < 0 ? 3 | (Number(trip.slice(7)) << 2) : at);
  };
  inUse.setTrips = () => Object.keys(inUse.fleet).forEach(setTrip);
  return (fleet) => {
    const keys = Object.keys({ ...inUse.fleet, ...fleet });
    inUse.fleet = fleet;
    keys.forEach(setTrip);
    const trips = Object.entries(fleet).flatMap(([key, { trip }]) => (trip === 'clear' ? [] : [[key, trip]]));
    emit('fleet', { trips: Object.freeze(Object.fromEntries(trips)) });
  };
}
