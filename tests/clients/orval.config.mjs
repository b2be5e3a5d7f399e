export default {
  milepost: {
    input: { target: './openapi.yaml' },
    output: { target: './orval/client.ts', schemas: './orval/model', client: 'fetch', mode: 'single', clean: true },
  },
};
