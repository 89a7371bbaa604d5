// Benchmarks of Bitis:
//   dotnet run -c Release --project benchmarks/Bitis.Benchmarks -- kernels
//   dotnet run -c Release --project benchmarks/Bitis.Benchmarks -- profile vim-tiny
//   dotnet run -c Release --project benchmarks/Bitis.Benchmarks -- training
using Bitis.Benchmarks;

switch (args)
{
    case ["kernels"]:
        KernelBenchmarks.Run();
        return 0;
    case ["profile", string variant]:
        ProfileBenchmark.Run(variant);
        return 0;
    case ["training"]:
        TrainingBenchmark.Run();
        return 0;
    default:
        Console.Error.WriteLine("Usage: Bitis.Benchmarks kernels | profile VARIANT | training");
        return 2;
}
