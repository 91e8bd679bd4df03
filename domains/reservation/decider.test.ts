import { describe, it } from 'vitest';
import { specOf } from '../kernel/spec.ts';
import { reservationDecider } from './decider.ts';
import type { ReservationEvent } from './events.ts';

const { given } = specOf(reservationDecider);
const reserved: ReservationEvent = { type: 'NameReserved', data: { holder: 'a' } };
const released: ReservationEvent = { type: 'NameReleased', data: { holder: 'a' } };

describe('reservation', () => {
  it('free × ReserveName → held', () => {
    given()
      .when({ type: 'ReserveName', data: { holder: 'a' } })
      .then(reserved);
  });
  it('free × ReleaseName → nothing', () => {
    given()
      .when({ type: 'ReleaseName', data: { holder: 'a' } })
      .thenNothing();
  });
  it('held × ReserveName by its holder → nothing', () => {
    given(reserved)
      .when({ type: 'ReserveName', data: { holder: 'a' } })
      .thenNothing();
  });
  it('held × ReserveName by another → name_taken', () => {
    given(reserved)
      .when({ type: 'ReserveName', data: { holder: 'b' } })
      .thenRejected('name_taken');
  });
  it('held × ReleaseName by its holder → free', () => {
    given(reserved)
      .when({ type: 'ReleaseName', data: { holder: 'a' } })
      .then(released);
  });
  it('held × ReleaseName by another → nothing, so that a late release frees nobody else’s name', () => {
    given(reserved)
      .when({ type: 'ReleaseName', data: { holder: 'b' } })
      .thenNothing();
  });
  it('released × ReserveName by another → held by that one', () => {
    given(reserved, released)
      .when({ type: 'ReserveName', data: { holder: 'b' } })
      .then({ type: 'NameReserved', data: { holder: 'b' } });
  });
});
