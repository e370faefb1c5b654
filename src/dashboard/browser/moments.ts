/** Fields for a date and time: the server knows UTC, people local time. */
const moments = findAll('input[data-utc]') as HTMLInputElement[];

/** A date as such a field takes it. @param shiftMinutes between UTC and what is shown */
function fieldOf(date: Date, shiftMinutes: number): string {
  const time = date.getTime() - shiftMinutes * 60_000;
  return Number.isNaN(time) ? '' : new Date(time).toISOString().slice(0, 19);
}

for (const input of moments) {
  const date = new Date(`${input.value}Z`);
  input.value = fieldOf(date, date.getTimezoneOffset());
  const zone = find('[data-zone]', input.parentElement ?? document);
  if (zone !== null) {
    zone.textContent = zone.dataset.zone ?? '';
  }
  input.form?.addEventListener('formdata', ({ formData }) => {
    formData.set(input.name, fieldOf(new Date(input.value), 0));
  });
}
