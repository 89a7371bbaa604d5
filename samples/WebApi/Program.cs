// Classifies uploaded images: dotnet run -c Release --project samples/WebApi -- --model vim.bitis
// curl --data-binary @photo.jpg http://localhost:5000/classify
using Bitis;
using WebApi;

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(args);
using InferenceSession session = builder.Configuration["model"] is { } file
    ? InferenceSession.Load(file)
    : InferenceSession.Create(VisionModel.LoadShipped("vim-cifar10"));
await using WebApplication app = builder.Build();
ClassifyEndpoint.Map(app, session);
await app.RunAsync();
