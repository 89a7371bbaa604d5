using Bitis;
using Bitis.Gpu.Benchmarks;

return BenchmarkCommands.Run(args, Console.Out, Console.Error);
