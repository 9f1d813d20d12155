// The handler that the client walks deploy: it greets, fails when told to, and fails on Kinesis batches.
export const handler = async (event) => {
  console.log("got", event);
  if (event.fail || event.Records) throw new Error("told to fail");
  return { said: `${process.env.GREETING} ${event.name}` };
};
